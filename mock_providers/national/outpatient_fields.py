"""The field tables of 2201-2208 (sheet §2.7). Pure."""

from mock_providers.national import fields

REGISTRATION = fields.table("""
psn_no C30 Y
insutype C6 Y insutype
begntime DT Y
mdtrt_cert_type C3 Y mdtrt_cert_type
mdtrt_cert_no C50 Y
ipt_otp_no C30 Y
atddr_no C30 Y
dr_name C50 Y
dept_code C30 Y
dept_name C100 Y
caty C6 Y
""")
CANCELLATION = fields.table("""
psn_no C30 Y
mdtrt_id C30 Y
ipt_otp_no C30 Y
""")
VISIT = fields.table("""
mdtrt_id C30 Y
psn_no C30 Y
med_type C6 Y med_type
begntime DT Y
main_cond_dscr C1000
dise_codg C30
dise_name C500
birctrl_type C6
birctrl_matn_date D
matn_type C6
geso_val N2
""")
DIAGNOSIS = fields.table("""
diag_type C3 Y diag_type
diag_srt_no N2 Y
diag_code C20 Y
diag_name C100 Y
diag_dept C50 Y
dise_dor_no C30 Y
dise_dor_name C50 Y
diag_time DT Y
vali_flag C3 Y vali_flag
""")
LINE = fields.table("""
feedetl_sn C30 Y
mdtrt_id C30 Y
psn_no C30 Y
chrg_bchno C30 Y
dise_codg C30
rxno C30
rx_circ_flag C3 Y rx_circ_flag
fee_ocur_time DT Y
med_list_codg C50 Y
medins_list_codg C150 Y
det_item_fee_sumamt N16,2 Y
cnt N16,4 Y
pric N16,6 Y
sin_dos_dscr C200
used_frqu_dscr C200
prd_days N4,2
medc_way_dscr C200
bilg_dept_codg C30 Y
bilg_dept_name C100 Y
bilg_dr_codg C30 Y
bilg_dr_name C50 Y
acord_dept_codg C30
acord_dept_name C100
orders_dr_code C30
orders_dr_name C50
hosp_appr_flag C3 Y hosp_appr_flag
tcmdrug_used_way C6 tcmdrug_used_way
etip_flag C3
etip_hosp_code C30
dscg_tkdrug_flag C3
matn_fee_flag C6
""")
WITHDRAWAL = fields.table("""
mdtrt_id C30 Y
chrg_bchno C30 Y
psn_no C30 Y
""")
PRICE = fields.table("""
psn_no C30 Y
mdtrt_cert_type C3 Y mdtrt_cert_type
mdtrt_cert_no C50
med_type C6 Y med_type
medfee_sumamt N16,2 Y
psn_setlway C6 Y psn_setlway
mdtrt_id C30 Y
chrg_bchno C30 Y
acct_used_flag C3 Y acct_used_flag
insutype C6 Y insutype
""")
SETTLEMENT = fields.table("""
invono C20
fulamt_ownpay_amt N16,2
overlmt_selfpay N16,2
preselfpay_amt N16,2
inscp_scp_amt N16,2
""")
REFUND = fields.table("""
setl_id C30 Y
mdtrt_id C30 Y
psn_no C30 Y
""")
