"""The field tables of D001-D007, under the gateway's spelling. Pure.

Names, lengths and what is required are those a public hospital system notes beside its own fields (newtouch-cloud/
openhis, Input_D001 … Output_D007 and the procedures that fill them; a second code base, the Java openhis, agrees on
the twenty signed fields). A flag is 0 or 1.
"""

from mock_providers.national import fields

BUSINESS = {"01": "定点医疗机构就诊", "02": "互联网医院问诊"}
ATTRIBUTES = {"01": "双通道处方", "02": "门诊统筹处方", "03": "其他"}
WESTERN, HERBS = ("11", "12"), "13"

HEAD = fields.table("""
mdtrt_cert_type C3 Y mdtrt_cert_type
mdtrt_cert_no C50
card_sn C32
biz_type_code C3 Y
rx_exra_attr_code C3
ec_token C64
auth_no C100
insu_plc_no C6
mdtrtarea_no C6
hosp_rxno C40 Y
init_rxno C40
rx_type_code C3 Y
prsc_time DT Y
rx_drug_cnt N16,4 Y
rx_used_way_codg C20
rx_used_way_name C40
rx_frqu_codg C20
rx_frqu_name C40
rx_dosunt C20
rx_doscnt N16,2
rx_drord_dscr C400
vali_days N10 Y
vali_end_time DT Y
rept_flag C3 rx_circ_flag
max_rept_cnt N3
min_inrv_days N3
rx_cotn_flag C3 rx_circ_flag
long_rx_flag C3 rx_circ_flag
""")
LINE = fields.table("""
med_list_codg C50 Y
fixmedins_hilist_id C30
hosp_prep_flag C3 rx_circ_flag
rx_item_type_code C30 Y
rx_item_type_name C100
tcmdrug_type_code C30
tcmdrug_type_name C20
tcmherb_foote C200
medn_type_code C100
medn_type_name C100
main_medc_flag C3 rx_circ_flag
urgt_flag C3 rx_circ_flag
bas_medn_flag C3 rx_circ_flag
imp_drug_flag C3 rx_circ_flag
otc_flag C3 rx_circ_flag
drug_genname C100 Y
drug_dosform C30 Y
drug_spec C40 Y
drug_prodname C255
prdr_name C100
medc_way_codg C10
medc_way_dscr C100
medc_begntime DT Y
medc_endtime DT Y
medc_days N8,2 Y
sin_dosunt C20
sin_doscnt N16,4
used_frqu_codg C10
used_frqu_name C30
drug_dosunt C20 Y
drug_cnt N16,4 Y
drug_pric N16,6
drug_sumamt N16,2
hosp_appr_flag C3 Y hosp_appr_flag
self_pay_rea C6
real_dscr C1000
""")
OF_WESTERN = ("medc_way_codg", "medc_way_dscr", "sin_dosunt", "sin_doscnt", "used_frqu_codg", "used_frqu_name")
OF_HERBS = (
    *("rx_used_way_codg", "rx_used_way_name", "rx_frqu_codg", "rx_frqu_name", "rx_dosunt", "rx_doscnt"),
    "rx_drord_dscr",
)
VISIT = fields.table("""
fixmedins_name C200 Y
fixmedins_code C20 Y
mdtrt_id C30 Y
med_type C6 Y med_type
ipt_otp_no C30 Y
otp_ipt_flag C3
psn_no C30 Y
patn_name C40 Y
psn_cert_type C6 Y psn_cert_type
certno C50 Y
patn_age N4,1 Y
patn_hgt N6,2
patn_wt N6,2
gend C6 Y gend
birctrl_type C6
birctrl_matn_date D
matn_type C6
geso_val N2
nwb_flag C3 rx_circ_flag
nwb_age C20
suck_prd_flag C3 rx_circ_flag
algs_his C1000
prsc_dept_name C50 Y
prsc_dept_code C30 Y
dr_code C20 Y
prsc_dr_name C50 Y
prsc_dr_cert_type C6 psn_cert_type
prsc_dr_certno C50
dr_profttl_codg C20 Y
dr_profttl_name C20 Y
dr_dept_code C30 Y
dr_dept_name C50 Y
caty C10
mdtrt_time DT Y
dise_codg C30
dise_name C500
sp_dise_flag C3 Y rx_circ_flag
maindiag_code C30 Y
maindiag_name C100 Y
dise_cond_dscr C2000
hi_feesetl_type C6
hi_feesetl_name C20
rgst_fee N16,2
medfee_sumamt N16,2
fstdiag_flag C3 rx_circ_flag
""")
DIAGNOSIS = fields.table("""
diag_type C3 Y diag_type
maindiag_flag C3 Y rx_circ_flag
diag_srt_no N2 Y
diag_code C30 Y
diag_name C100 Y
diag_dept C50 Y
diag_dept_code C20
diag_dr_no C30 Y
diag_dr_name C50 Y
diag_time DT Y
tcm_dise_code C30
tcm_dise_name C300
tcmsymp_code C30
tcmsymp C300
""")
SIGNING = fields.table("""
fixmedins_code C20 Y
original_value C60000 Y
original_rx_file C8000000 Y
""")
SIGNED = fields.table("""
rx_trace_code C20 Y
hi_rxno C30 Y
mdtrt_id C30 Y
patn_name C40 Y
psn_cert_type C6 Y psn_cert_type
certno C50 Y
fixmedins_name C200 Y
fixmedins_code C20 Y
dr_code C20 Y
prsc_dr_name C50 Y
phar_dept_name C50 Y
phar_dept_code C30 Y
phar_profttl_codg C20
phar_profttl_name C20
phar_code C20 Y
phar_cert_type C6 psn_cert_type
phar_certno C50
phar_name C50 Y
phar_prac_cert_no C50
phar_chk_time DT Y
""")
UPLOAD = (*SIGNED, *fields.table("rx_file C8000000 Y\nsign_digest C4000 Y"))
REVOCATION = fields.table("""
hi_rxno C30 Y
fixmedins_code C20 Y
dr_code C20 Y
undo_dr_name C50 Y
undo_dr_cert_type C6 Y psn_cert_type
undo_dr_certno C50 Y
undo_rea C200 Y
undo_time DT Y
""")
QUERY = fields.table("""
hi_rxno C30 Y
fixmedins_code C20 Y
mdtrt_id C30
psn_name C50 Y
psn_cert_type C6 Y psn_cert_type
certno C50 Y
""")
